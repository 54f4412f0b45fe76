"""The words that name splits: what a folder, or the list of a split, is called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_TRAIN = (
    *(
        "train",
        "training",
        "trainings",
        "trn",
        "trainval",
        "trainingsdaten",
        "entraînement",
        "apprentissage",
        "entrenamiento",
    ),
    *("treino", "treinamento", "addestramento", "обучение", "训练", "訓練", "学習", "학습", "훈련"),
    *("entrainement", "lernen", "обучающая", "обучающие", "обучающий", "тренировочная", "тренировочные", "тренировка"),
    *(
        "trening",
        "treningowy",
        "treningowe",
        "eğitim",
        "egitim",
        "latih",
        "pelatihan",
        "trénovací",
        "trenovaci",
        "學習",
    ),
    *("träning", "opleiding", "تدريب", "אימון"),
)
_VAL = (
    *("val", "valid", "validation", "validate", "minival", "dev", "development", "eval", "evaluation", "validierung"),
    *(
        "validierungsdaten",
        "validación",
        "validacion",
        "validação",
        "validacao",
        "валидация",
        "验证",
        "驗證",
        "検証",
        "검증",
    ),
    *(
        "convalida",
        "überprüfung",
        "проверочная",
        "проверочные",
        "валидационная",
        "walidacja",
        "walidacyjny",
        "doğrulama",
    ),
    *("dogrulama", "validasi", "validační", "validacni", "validering", "vld", "vali", "אימות", "تحقق"),
)
_TEST = (
    *(
        "test",
        "tests",
        "testing",
        "tst",
        "holdout",
        "heldout",
        "pred",
        "prediction",
        "predictions",
        "testdaten",
    ),
    *("prueba", "pruebas", "teste", "тест", "测试", "測試", "テスト", "시험", "테스트"),
    *("prova", "essai", "prüfung", "тестовая", "тестовые", "тестовый", "testowy", "testowe", "uji", "pengujian"),
    *("testovací", "testovaci", "בדיקה", "اختبار"),
)
_WORDS = {
    **dict.fromkeys(_TRAIN, "train"),
    **dict.fromkeys(_VAL, "val"),
    **dict.fromkeys(_TEST, "test"),
}
_CERTAIN = frozenset({"val", "validation", "test", "testing", "holdout", "heldout"})
# nnU-Net's imagesTr and imagesTs: a split beside one of the words below, and nothing by itself.
SHORT = {"tr": "train", "ts": "test", "te": "test", "va": "val"}
_IMAGES = (
    *("image", "images", "img", "imgs", "jpegimages", "photo", "photos", "pic", "pics", "picture", "pictures"),
    *("bild", "bilder", "imagen", "imagenes", "imágenes", "imagem", "imagens", "immagini", "изображения"),
)
# Words that say nothing of what the images show: "training_set", "obj_train_data", "seg_test", "x_train".
_NEUTRAL = frozenset(
    {
        *_IMAGES,
        *("set", "sets", "subset", "data", "dataset", "datasets", "folder", "dir", "file", "files", "split", "splits"),
        *("obj", "object", "objects", "seg", "segmentation", "cls", "class", "classes", "classification", "det"),
        *("detection", "bounding", "box", "boxes", "bbox", "label", "labels", "mask", "masks", "ann", "anns", "annot"),
        *("annotation", "annotations", "gt", "list", "jpg", "jpeg", "png", "x", "px", "public", "private", "official"),
        *("final", "raw", "original", "originals", "frame", "frames", "the", "for", "of", "my", "our", "集", "データ"),
    }
)
# Words that a folder without siblings may be called by whoever has no classes.
_GENERIC = frozenset(
    {
        *_IMAGES,
        "data",
        "dataset",
        "datasets",
        "set",
        "folder",
        "dir",
        "file",
        "files",
        "jpg",
        "jpeg",
        "png",
        "my",
        "our",
    }
    | {"the", "all", "raw", "original", "originals", "frame", "frames", "input", "inputs", "upload", "uploads"}
)
_ANY = re.compile("|".join(map(re.escape, (*_WORDS, *SHORT, "held", "hold", "t10k"))))
_LETTERS = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|.")
_CAPITALS_FIRST = re.compile(r"([A-Z]{2,})([a-z]+)")
_SHORT_END = re.compile(rf"(?:^|[-_. ])({'|'.join(SHORT)})$")
_HELD_OUT = re.compile(r"(?i)(held|hold)[\W_]+out")
_TEST_DEV = re.compile(r"(?i)test[-_ ]?dev")  # COCO's test images
_TEN_THOUSAND = re.compile(r"(?i)(?<![a-z0-9])t10k(?![a-z0-9])")  # MNIST's test images


@dataclass(frozen=True)
class SplitName:
    """How a name was read.

    Attributes:
        split: "train", "val" or "test"; None if it names none, or two that contradict each other.
        rest: its words that say something else, in lower case: a class, or the name of the dataset.
        is_certain: nobody would call a class so, as "train" may be one.
    """

    split: str | None
    rest: tuple[str, ...]
    is_certain: bool = False


@lru_cache(4096)
def read_name(name: str) -> SplitName:
    """Read a name word by word. Numbers are passed over: "train2017", "test1".

    Example:
        >>> read_name("obj_train_data").split, read_name("Validation Set").split, read_name("DIV2K_train_HR").rest
        ('train', 'val', ('div', 'k', 'hr'))
    """
    splits: list[str] = []
    rest: list[str] = []
    neutral = certain = False
    for token in _tokens(name):
        for word in _words_of(token):
            if word in _WORDS:
                splits.append(_WORDS[word])
                certain = certain or word in _CERTAIN
            elif word in _NEUTRAL:
                neutral = True
            else:
                rest.append(word)
    if not splits and neutral and len(rest) == 1 and rest[0] in SHORT:
        return SplitName(SHORT[rest[0]], ())
    return SplitName(_one_of(splits), tuple(rest), certain)


def split_named(name: str) -> str | None:
    """The split that the name of a folder or a list means; None if it means none.

    Example:
        >>> split_named("Valid"), split_named("train2017"), split_named("train_images"), split_named("test tubes")
        ('val', 'train', 'train', None)
    """
    found = read_name(name)
    return None if found.rest else found.split


def rest_of_name(name: str) -> tuple[str, ...]:
    """The words of a split's name that say something else.

    Example:
        >>> rest_of_name("cat_train"), rest_of_name("DUTS-TR"), rest_of_name("val")
        (('cat',), ('duts',), ())
    """
    read = read_name(name)
    return read.rest[:-1] if read.split is None and short_split(name) else read.rest


def may_name_split(name: str) -> bool:
    """Whether it is worth the time to read a name: false for nearly all names of a large set.

    Example:
        >>> may_name_split("train2017"), may_name_split("0001")
        (True, False)
    """
    return _ANY.search(unicodedata.normalize("NFC", name).casefold()) is not None


def split_within(name: str) -> str | None:
    """The split that a longer name contains; None if it contains none.

    Example:
        >>> split_within("instances_val2017"), split_within("cat_train")
        ('val', 'train')
    """
    words = [word for token in _tokens(_TEST_DEV.sub("test", name)) for word in _words_of(token)]
    return next((_WORDS[word] for word in reversed(words) if word in _WORDS), read_name(name).split)


def split_in_file_name(stem: str) -> str | None:
    """The split that the name of an image begins or ends with; None if it does neither.

    Example:
        >>> split_in_file_name("train_0001"), split_in_file_name("COCO_val2014_000042"), split_in_file_name("latest")
        ('train', 'val', None)
        >>> split_in_file_name("testA_1")
        'test'
    """
    words = [word for token in _tokens(stem) for word in _words_of(token)]
    if words[:1] == ["coco"]:
        words = words[1:]
    found = {_WORDS[word] for word in (*words[:1], *words[-1:]) if word in _WORDS}
    return found.pop() if len(found) == 1 else None


def names_images(name: str) -> bool:
    """Whether a folder's name only says that images are in it.

    Example:
        >>> names_images("images"), names_images("JPEGImages"), names_images("cats")
        (True, True, False)
    """
    return name.casefold() in _IMAGES


def are_short_splits(names: Iterable[str]) -> bool:
    """Whether folders are called "tr" and "te" or the like, all of them, and one is for training.

    Example:
        >>> are_short_splits(["tr", "te"]), are_short_splits(["tr", "cat"]), are_short_splits(["te", "ts"])
        (True, False, False)
        >>> are_short_splits(["DUTS-TR", "DUTS-TE"]), are_short_splits(["a-tr", "b-te"])
        (True, False)
    """
    names = list(names)
    splits = {short_split(name) for name in names}
    begins = {_SHORT_END.sub("", name.casefold()) for name in names}
    return None not in splits and "train" in splits and len(splits) > 1 and len(begins) == 1


def short_split(name: str) -> str | None:
    """The split that two letters mean, alone or at the end of a name; None if it does not end so.

    Example:
        >>> short_split("tr"), short_split("DUTS-TE"), short_split("cats")
        ('train', 'test', None)
    """
    found = _SHORT_END.search(name.casefold())
    return SHORT[found[1]] if found else None


def says_nothing(name: str) -> bool:
    """Whether a folder's name says neither what its images show nor which split they are.

    Example:
        >>> [says_nothing(name) for name in ("data", "img1", "my photos", "cats", "raw_cats", "7")]
        [True, True, True, False, False, False]
    """
    words = [word for token in _tokens(name) for word in _words_of(token)]
    return bool(words) and all(word in _GENERIC for word in words)


def _tokens(name: str) -> list[str]:
    """The runs of letters in a name, in either Unicode form."""
    whole = _HELD_OUT.sub("holdout", unicodedata.normalize("NFC", name))
    return _LETTERS.findall(_TEN_THOUSAND.sub("test", whole))


def _words_of(token: str) -> list[str]:
    """The words of a run of letters, in lower case: "TrainSet" and "trainset" are two."""
    lowered = token.casefold()
    if lowered in _WORDS or lowered in _NEUTRAL:
        return [lowered]
    for word in _WORDS:
        before, after = lowered.removesuffix(word), lowered.removeprefix(word)
        if after != lowered and after in _NEUTRAL:
            return [word, after]
        if before != lowered and before in _NEUTRAL:
            return [before, word]
    after_capitals = _CAPITALS_FIRST.fullmatch(token)
    if after_capitals and after_capitals[2] in _WORDS:  # "VOCtest"
        return [after_capitals[1].casefold(), after_capitals[2]]
    pieces = [piece.casefold() for piece in _CAMEL.findall(token)]
    return pieces if len(pieces) > 1 and any(piece in _WORDS or piece in _NEUTRAL for piece in pieces) else [lowered]


def _one_of(splits: list[str]) -> str | None:
    """The split that several words mean together: training and validation is for training, what has test is not."""
    found = set(splits)
    if len(found) == 1:
        return splits[0]
    return {frozenset({"train", "val"}): "train", frozenset({"val", "test"}): "test"}.get(frozenset(found))
