"""A phone whose runs are on disk only."""

from tflite_tools.android.records import DeviceInfo, DeviceState

PHONE = DeviceInfo("S1", "samsung SM-G970U", "Snapdragon 855", "12", 31, "arm64-v8a", {0: 1000})
STATE = DeviceState({"cpu": 35.0}, {0: 900}, thermal_status=0, screen_on=True)
