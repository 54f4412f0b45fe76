"""Lists the files of a ZIP, which is never extracted to disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from augmentai.dataset.archive import ArchiveError, Member, format_size, members, open_archive
from augmentai.dataset.content import read_member_head
from augmentai.dataset.file_names import printable
from augmentai.dataset.readers.file_kinds import may_be_image
from augmentai.dataset.readers.limits import Limits
from augmentai.dataset.readers.listing import Listing, is_ignored_file, is_ignored_folder
from augmentai.dataset.readers.unread_labels import may_be_label_file


@dataclass(frozen=True, slots=True)
class _Found:
    """A usable file in a ZIP. number: its position, since two may have the same name."""

    name: str
    number: int
    member: Member
    is_image: bool


def list_zip(path: Path, listing: Listing, limits: Limits) -> None:
    """Add every image and label file of a ZIP to a listing. The ZIP stays open as long as one of its members lives.

    Args:
        path: an absolute path.
        listing: where the files are added.
        limits: a ZIP that extracts to more is not read.
    """
    before = listing.progress()
    try:
        archive = open_archive(path)
    except ArchiveError as error:
        listing.report.fail(path.name, str(error))
        return
    found = [
        one
        for number, (name, member, is_folder) in enumerate(members(archive))
        if not is_folder and (one := _classify(name, number, member, listing)) is not None
    ]
    if reason := _over_limit(found, listing, limits):
        listing.report.fail(path.name, reason)
        return
    for one in sorted(found, key=lambda one: (one.name, one.number)):
        if one.is_image:
            listing.add_member(one.member, one.name, path, f" in {printable(path.name)}")
        else:
            listing.add_label_file(one.name, member=one.member, origin=str(path))
    if listing.progress() == before and not listing.stop.is_set():
        listing.report.fail(path.name, "there is no image in this ZIP")


def _classify(name: str, number: int, member: Member, listing: Listing) -> _Found | None:
    """What a file in a ZIP is; None if it is not used."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts:
        return None
    tools = [part for part in parts[:-1] if is_ignored_folder(part)] or [parts[-1]] * is_ignored_file(parts[-1])
    if tools:
        listing.skip(tools[0], name.partition(tools[0])[0])
        return None
    if may_be_image(parts[-1], partial(read_member_head, member)):
        return _Found(name, number, member, is_image=True)
    if may_be_label_file(parts[-1]):
        return _Found(name, number, member, is_image=False)
    if name.lower().endswith(".zip"):
        listing.report.nested_zips.add(parts[-1])
    else:
        listing.report.other_files.add(name)
    return None


def _over_limit(found: Sequence[_Found], listing: Listing, limits: Limits) -> str:
    """Why a ZIP is too large, "" if it is not; counts what it extracts to."""
    total, limit = sum(one.member.file_size for one in found), format_size(limits.zip_bytes)
    if total > limits.zip_bytes:
        return f"would extract to {format_size(total)}; the limit is {limit}; split it"
    listing.extracted_bytes += total
    if limits.files is not None and listing.extracted_bytes > limits.zip_bytes:
        return f"the ZIPs of this job would extract to more than {limit} together; split them into several jobs"
    return ""
