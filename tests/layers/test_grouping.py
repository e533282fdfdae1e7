import numpy as np
import pytest

from keras_finet.layers.grouping import group_of_channel, group_sizes, split_points


@pytest.mark.parametrize(
    ("channels", "groups", "sizes"),
    [
        (30, 4, (8, 8, 7, 7)),
        (24, 4, (6, 6, 6, 6)),
        (7, 1, (7,)),
        (5, 5, (1, 1, 1, 1, 1)),
        (11, 3, (4, 4, 3)),
    ],
)
def test_sizes_are_as_equal_as_possible_larger_ones_first(channels, groups, sizes):
    assert group_sizes(channels, groups) == sizes


def test_more_groups_than_channels_is_an_error():
    with pytest.raises(ValueError, match=r"groups=5 .* 4 channels. Use `groups=4`"):
        group_sizes(4, 5)


def test_points_and_members_agree_with_numpy_split():
    sizes = (4, 4, 3)
    parts = np.split(np.arange(11), split_points(sizes))
    members = [np.flatnonzero(group_of_channel(sizes) == group) for group in range(3)]
    assert [part.tolist() for part in parts] == [member.tolist() for member in members]
