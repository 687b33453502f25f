"""Measurements: `run` sets Heliograph beside Orthanc, `scale` follows the cost of one instance up to a million.

Every figure stands beside one of the same run, because the speed of a disk can change tenfold within an hour.
"""
