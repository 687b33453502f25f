"""From the UIDs of a URL to stored instances that the actor may see."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from heliograph.features.access import Actor, note
from heliograph.features.archive.search import FoundInstance, find_instances
from heliograph.features.imaging import Documents
from heliograph.kit.errors import Absent
from heliograph.kit.time import monotonic_s
from heliograph.services import Services
from heliograph.standards.dicom import uids
from heliograph.standards.dicom.frames import FrameTable, frame_table
from heliograph.standards.dicom.header import Header, NeedMore, inflated, scan
