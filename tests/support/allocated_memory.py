"""What TensorFlow's allocator counts of a known need, in a process of its own.

python allocated_memory.py: prints bytes, or null where the allocator does not count. In a used
process it may hand out a piece that another test gave back, up to twice as large as was asked for,
and it counts the whole piece.
"""

import json
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf
from training_cost.on_tensorflow import allocated_peak_bytes

SIDE = 2048  # 16 MiB of float32


def main():
    held = tf.zeros((SIDE, SIDE))

    def two_more_at_a_time():
        total = held
        for _ in range(4):
            total = total + 1.0
        return total

    two_more_at_a_time()
    print(json.dumps(allocated_peak_bytes(two_more_at_a_time)))


if __name__ == "__main__":
    main()
