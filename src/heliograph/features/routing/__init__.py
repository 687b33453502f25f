"""Routing: remote nodes, forwarding rules, sends with durable retry, retrieval from other nodes.

A gateway talks to the nodes (`Peers`, and the jobs SEND_WORK and RETRIEVE_WORK). Tables: remote_node, forward_rule, send.
Events: SendWaits, SendFinished, SendFailed.
"""

from heliograph.features.routing.jobs import study_settled
from heliograph.features.routing.model import Node, Outgoing, Rule, Send
from heliograph.features.routing.nodes import add_node, find_node, node, nodes, remove_node, retrieve_nodes, update_node
from heliograph.features.routing.peers import Peers
from heliograph.features.routing.rules import add_rule, remove_rule, rules, update_rule
from heliograph.features.routing.sends import (
    RETRIEVE_WORK,
    SEND_WORK,
    begin,
    cancel_send,
    finish,
    has_study,
    keep_progress,
    outgoing,
    put_back,
    put_off,
    request_retrieve,
    request_send,
    resend,
    sends,
    wake,
)

__all__ = [
    "RETRIEVE_WORK", "SEND_WORK", "Node", "Outgoing", "Peers", "Rule", "Send", "add_node", "add_rule", "begin", "cancel_send", "find_node", "finish",
    "has_study", "keep_progress", "node", "nodes", "outgoing", "put_back", "put_off", "remove_node", "remove_rule", "request_retrieve", "request_send",
    "resend", "retrieve_nodes", "rules", "sends", "study_settled", "update_node", "update_rule", "wake",
]  # fmt: skip
