"""The audit log on its way to an audit record repository: ITI-20 by syslog over TLS."""

from heliograph.gateways.syslog.sender import SyslogSender

__all__ = ["SyslogSender"]
