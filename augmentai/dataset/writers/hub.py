"""A finished run to the Hugging Face hub, as a dataset that anyone can load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from augmentai.dataset.manifest import CARD, RECIPE_FILE
from augmentai.settings import Settings
from augmentai.system.extras import missing

_README = "README.md"
_OF_ITS_OWN = {".gitattributes", _README}  # what the hub puts into a new dataset
_NOT_SENT = [".augmentai*"]


class HubError(OSError):
    """The hub does not take the set; the message says why and what to do, and never shows the token."""


class Hub:
    """One dataset on the hub that a run is to go to.

    name: USER/NAME or ORGANISATION/NAME. The token is HF_TOKEN of the settings; one that another program has kept on
    this machine is not used. Raises HubError where name or token cannot be used; the network is not asked yet.
    """

    def __init__(self, name: str, settings: Settings, private: bool = False) -> None:
        if reason := missing("hub"):
            raise HubError(reason)
        from huggingface_hub import HfApi
        from huggingface_hub.utils import HFValidationError, validate_repo_id

        self.name, self.private = name, private
        try:
            validate_repo_id(name)
        except HFValidationError as error:
            raise HubError(f"{name!r} is no name for a dataset on the hub ({error}); expected USER/NAME") from error
        if name.count("/") != 1:
            raise HubError(f"{name!r} is no name for a dataset on the hub; expected USER/NAME")
        token = settings.hf_token.get_secret_value()
        if not token:
            raise HubError("HF_TOKEN is not set; make a token that may write at https://huggingface.co/settings/tokens")
        self._api = HfApi(token=token, library_name="augmentai")

    def check(self) -> None:
        """Ask the hub whether it knows the token and lets it write. Raises HubError."""
        with self._told():
            account = self._api.whoami()
        role = account.get("auth", {}).get("accessToken", {}).get("role")
        if role == "read":
            raise HubError("HF_TOKEN may only read; make a token that may write")

    def push(self, folder: Path) -> str:
        """Send a run folder, file by file, in as many commits as it takes. Returns the dataset's address.

        What an earlier push of the same run has sent is not sent again, and a README that is there stays: its owner may
        have written the licence into it. Raises HubError, also where the dataset holds something else.
        """
        from huggingface_hub import CommitOperationAdd

        recipe = folder / RECIPE_FILE
        with self._told():
            address = self._api.create_repo(self.name, repo_type="dataset", private=self.private or None, exist_ok=True)
            there = self._there()
            if not self._is_of(recipe, there):
                raise HubError(f"{self.name} holds another dataset and nothing is overwritten; choose a new name")
            # First of all, so that a push that breaks off is known again by its recipe.
            first = [CommitOperationAdd(RECIPE_FILE, recipe)]
            if _README not in there and (folder / CARD).exists():
                first.append(CommitOperationAdd(_README, folder / CARD))
            if RECIPE_FILE not in there:
                self._api.create_commit(self.name, first, commit_message="Recipe and card", repo_type="dataset")
            self._api.upload_folder(
                repo_id=self.name,
                folder_path=folder,
                repo_type="dataset",
                commit_message="Variations by AugmentAI",
                ignore_patterns=list(_NOT_SENT),
            )
        return str(address)

    def _there(self) -> dict[str, str | None]:
        """What lies at the top of the dataset, and the hash by which git knows each file."""
        return {
            entry.path: getattr(entry, "blob_id", None)
            for entry in self._api.list_repo_tree(self.name, repo_type="dataset", recursive=False)
        }

    @staticmethod
    def _is_of(recipe: Path, there: dict[str, str | None]) -> bool:
        from huggingface_hub.utils.sha import git_hash

        if RECIPE_FILE in there:
            return there[RECIPE_FILE] == git_hash(recipe.read_bytes())
        return there.keys() <= _OF_ITS_OWN

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the hub and of the way to it, in words that help."""
        from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

        try:
            yield
        except HubError:
            raise
        except OfflineModeIsEnabled as error:
            raise HubError("HF_HUB_OFFLINE is set, so nothing can be sent; unset it and run the same again") from error
        except HfHubHTTPError as error:
            raise HubError(self._refusal(error.response.status_code)) from error
        except ValueError as error:  # the head of the card
            raise HubError(f"the hub does not take the set ({str(error).splitlines()[0]}); please report it") from error
        except (HTTPError, OSError) as error:
            raise HubError(
                f"the hub cannot be reached ({type(error).__name__}); check the network and run the same again: "
                "what was made is kept, and what was sent is not sent again"
            ) from error

    def _refusal(self, status: int) -> str:
        if status == 401:
            return "the hub does not know HF_TOKEN; make a new token that may write"
        if status in {403, 404}:
            return f"HF_TOKEN may not write to {self.name}; check the name, and the rights of the token"
        return f"the hub answered {status}; run the same again later: what was made is kept"
