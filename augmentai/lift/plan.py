"""What a measurement does, decided before it begins: which images, how often, and how much work that is."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from augmentai.plurals import counted
from augmentai.types import Source

SHARED_VIEWS, OWN_VIEWS = 8, 8  # flips and crops that both arms see; what each arm sees of its own
POOL_VIEWS = 24  # of each image, from which each repeat draws
FOLDS = 5
BORROWED_PER_FOLD = 4  # variations of each image, where they have to be made anew for each fold
TRAINING_SHARE = 0.8  # of the training images, in each repeat: as with folds, another part is left out each time
SMALL_SIDE_PX = 320  # longer side of what is augmented and cropped: the network sees 160 px
MOST_TRAINING, MOST_TEST = 600, 1000  # images: a quick look at a large set is one at a sample of it
MOST_DENSE_TRAINING, MOST_DENSE_TEST = 100, 200  # images with boxes or masks, which take four times as long
MOST_DENSE_CLASSES = 50
DENSE_CROPS = 2  # of each variation, of which a repeat draws one: a few training images are at the mercy of their crops
LEAST_CELLS = 2 * POOL_VIEWS  # of a class in the views of all training images: with fewer, chance decides
DENSE_VIEW, DENSE_FIT = 5, 15  # how much longer a view and a fit of cells take than those of whole images
_FEW_PICTURES, _MANY_REPEATS, _FEW_REPEATS = 100, 10, 5  # deep: always few, since each takes minutes


def repeats_for(pictures: int, deep: bool = False) -> int:
    """How often both arms are trained: with many test images, the luck of one training matters less.

    Example:
        >>> repeats_for(50), repeats_for(400)
        (10, 5)
    """
    return _MANY_REPEATS if pictures < _FEW_PICTURES and not deep else _FEW_REPEATS


def most_variations(training: int, variations: Iterable[int], folds: bool) -> int:
    """How many variations a measurement makes at most.

    Args:
        training: images to train on.
        variations: of each image, by recipe.
        folds: there are no test images, so that what borrows from other images is made anew for each fold.

    Example:
        >>> most_variations(100, [8, 2], folds=False), most_variations(100, [8], folds=True)
        (1000, 1600)
    """
    each = [min(count, OWN_VIEWS) for count in variations]
    if folds:
        each = [max(count, (FOLDS - 1) * min(count, BORROWED_PER_FOLD)) for count in each]
    return min(training, MOST_TRAINING) * sum(each)


def sample(sources: Sequence[Source], most: int, seed: int) -> list[Source]:
    """At most so many images, as evenly over the classes as they allow, chosen by content; two of each class at least.

    Example:
        >>> many = [Source.from_bytes(f"{n}.png", bytes([n]), "ab"[n % 2]) for n in range(18)]
        >>> sorted(str(source.label) for source in sample(many, 6, seed=1))
        ['a', 'a', 'a', 'b', 'b', 'b']
    """
    if len(sources) <= most:
        return list(sources)
    by_class: dict[str, list[Source]] = defaultdict(list)
    for source in sources:
        by_class[str(source.label)].append(source)
    for own in by_class.values():
        own.sort(key=lambda one: hashlib.sha256(f"{seed}:{one.sha256}:{one.path}".encode(errors="replace")).digest())
    chosen: list[Source] = []
    for rank in range(len(sources)):
        round_ = [own[rank] for _, own in sorted(by_class.items()) if rank < len(own)]
        if rank >= 2 and len(chosen) + len(round_) > most:
            break
        chosen += round_
    return sorted(chosen, key=lambda one: (one.path, one.sha256))


def sampled_note(all_images: int, chosen: int, what: str) -> list[str]:
    """What to say of a sample; nothing if it is the whole."""
    if chosen == all_images:
        return []
    words = f"{counted(chosen, f'{what} image')} of {all_images:,}, the same number of each class as far as there are"
    if what == "training":
        words += "; with more images to train on, effects are usually smaller"
    return [words]
