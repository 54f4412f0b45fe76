"""The project as NVIDIA AI Workbench reads it.

The fields are those of https://docs.nvidia.com/ai-workbench/reference/projects/spec.md. Workbench itself is not here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Annotated, Literal

import pytest
import requests
import yaml
from pydantic import BaseModel, ConfigDict, Field

from augmentai.settings import ROOT, Settings
from tests.support.app_process import app_process

VARIABLES = ROOT / "variables.env"
SCRIPTS = ("preBuild.bash", "postBuild.bash")


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Meta(Part):
    name: Annotated[str, Field(pattern="^[a-z0-9-]+$")]
    image: Annotated[str, Field(pattern="^project-[a-z0-9-]+$")]
    description: str
    labels: list[str]
    createdOn: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]  # noqa: N815 (Workbench's own name)
    defaultBranch: str  # noqa: N815


class Layout(Part):
    path: Annotated[str, Field(pattern="^[^/].*/$")]
    type: Literal["code", "models", "data"]
    storage: Literal["git", "gitlfs", "gitignore"]


class Proxy(Part):
    trim_prefix: bool


class Webapp(Part):
    autolaunch: bool
    port: Annotated[str, Field(pattern=r"^\d+$")]
    proxy: Proxy
    url: Annotated[str, Field(pattern=r"^http://localhost:\d+/$")]  # without the last slash the page stays white


class App(Part):
    name: str
    type: Literal["custom"]
    class_: Annotated[Literal["webapp"], Field(alias="class")]
    start_command: str
    health_check_command: str
    stop_command: str
    user_msg: str
    logfile_path: str
    timeout_seconds: Annotated[int, Field(ge=0)]
    icon_url: str
    webapp_options: Webapp


class UserInfo(Part):
    uid: str
    gid: str
    username: str


class PackageManager(Part):
    name: Literal["apt", "pip"]
    binary_path: Annotated[str, Field(pattern="^/")]
    installed_packages: list[str]


class ManagerEnvironment(Part):
    name: str
    target: str


class Base(Part):
    registry: Literal["nvcr.io"]
    image: Annotated[str, Field(pattern=r"^nvidia/ai-workbench/[a-z0-9-]+:[0-9.]+$")]
    build_timestamp: Annotated[str, Field(pattern=r"^\d{14}$")]
    name: str
    supported_architectures: list[str]
    cuda_version: str
    description: str
    entrypoint_script: str
    labels: list[str]
    apps: list[App]
    programming_languages: list[str]
    icon_url: str
    image_version: str
    os: Literal["linux"]
    os_distro: str
    os_distro_release: str
    schema_version: Literal["v2"]
    user_info: UserInfo
    package_managers: list[PackageManager]
    package_manager_environment: ManagerEnvironment


class Environment(Part):
    base: Base
    compose_file_path: str


class Gpu(Part):
    requested: Annotated[int, Field(ge=0)]


class Resources(Part):
    gpu: Gpu
    sharedMemoryMB: Annotated[int, Field(ge=0)]  # noqa: N815


class Secret(Part):
    variable: str
    description: Annotated[str, Field(min_length=10)]


class Mount(Part):
    type: Literal["project", "host", "volume", "tmp"]
    target: Annotated[str, Field(pattern="^/.*/$")]
    description: str
    options: str


class Execution(Part):
    apps: list[App]
    resources: Resources
    secrets: list[Secret]
    mounts: list[Mount]


class Spec(Part):
    specVersion: Literal["v2"]  # noqa: N815
    specMinorVersion: Literal[2]  # noqa: N815
    meta: Meta
    layout: list[Layout]
    environment: Environment
    execution: Execution


@pytest.fixture(scope="module")
def spec() -> Spec:
    return Spec.model_validate(yaml.safe_load((ROOT / ".project" / "spec.yaml").read_text()))


def variables() -> dict[str, str]:
    lines = [line for line in VARIABLES.read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Z_]+=[^\s#]+", line) for line in lines), "KEY=VALUE, and no comment behind it"
    return dict(line.split("=", 1) for line in lines)


def known_names() -> set[str]:
    aliases = [field.validation_alias for field in Settings.model_fields.values()]
    return {str(name) for alias in aliases for name in getattr(alias, "choices", [alias])}


def test_the_specification_is_whole(spec: Spec) -> None:
    assert spec.environment.base.image.endswith(":" + spec.environment.base.image_version)
    assert all((ROOT / place.path).is_dir() for place in spec.layout)
    assert "#" not in (ROOT / ".project" / "spec.yaml").read_text(), "Workbench rewrites the file without comments"
    assert [mount.target for mount in spec.execution.mounts if mount.type == "project"] == ["/project/"]


def test_a_gpu_is_welcome_but_not_asked_for(spec: Spec) -> None:
    assert spec.execution.resources.gpu.requested == 0


def test_keys_are_secrets_and_settings_of_ours(spec: Spec) -> None:
    named = {secret.variable for secret in spec.execution.secrets}
    assert {"STABILITY_API_KEY", "HF_TOKEN"} <= named <= known_names()
    assert not named & set(variables())
    assert set(variables()) - known_names() == {"GRADIO_ANALYTICS_ENABLED", "HF_HOME"}


def test_paths_agree_with_each_other(spec: Spec) -> None:
    """The volume that postBuild makes, the Python that preBuild makes, and the port are named in several files."""
    (app,) = spec.execution.apps
    pre, post = ((ROOT / name).read_text() for name in SCRIPTS)
    (volume,) = [mount.target for mount in spec.execution.mounts if mount.type == "volume"]
    assert f"{volume.rstrip('/')}\n" in post
    assert all(value.startswith(volume) for value in variables().values() if value.startswith("/"))
    (pip,) = [manager.binary_path for manager in spec.environment.base.package_managers if manager.name == "pip"]
    home = pip.removesuffix("/bin/pip")
    assert f" {home} " in pre or f" {home}\n" in pre
    assert f"{home}/bin/python app.py" in app.start_command
    assert app.stop_command == f'pkill -f "^{home}/bin/python app.py"'
    assert app.start_command.endswith(f"{home}/bin/python app.py"), "or the pattern would not find it"
    port = app.webapp_options.port
    assert variables()["GRADIO_SERVER_PORT"] == port
    assert app.webapp_options.url == f"http://localhost:{port}/"
    assert f"http://localhost:{port}/" in app.health_check_command


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_can_be_run(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    assert (ROOT / name).read_text().startswith("#!/bin/bash\n")
    assert subprocess.run(["bash", "-n", str(ROOT / name)], check=False).returncode == 0


def test_configpacks_and_packages_are_plain_lists() -> None:
    packs = (ROOT / ".project" / "configpacks").read_text().split()
    assert all(re.fullmatch(r"\*[a-z_]+\.[A-Za-z]+", pack) for pack in packs)
    order = [packs.index(f"*{pack}") for pack in ("bash.PreBuild", "python.PipPackageManager", "bash.PostBuild")]
    assert order == sorted(order)
    for name in ("apt.txt", "requirements.txt"):
        assert all(re.fullmatch(r"[a-z0-9.-]+(==[0-9.]+)?", line) for line in (ROOT / name).read_text().split())


def test_the_readme_says_how_to_begin() -> None:
    assert "\n## Get Started\n" in (ROOT / "README.md").read_text(), "Workbench shows this section beside the project"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the health check is curl's")
def test_the_app_starts_as_workbench_starts_it_and_its_health_is_seen(spec: Spec, tmp_path: Path) -> None:
    """With the prefix, but asked from inside the container, where there is none."""
    (app,) = spec.execution.apps
    with app_process(tmp_path, PROXY_PREFIX="/projects/augmentai/applications/AugmentAI") as running:
        port = running.url.rstrip("/").rpartition(":")[2]
        health = app.health_check_command.replace(app.webapp_options.port, port)
        assert subprocess.run(["bash", "-c", health], capture_output=True, check=False, timeout=30).returncode == 0
        assert requests.get(running.url, timeout=30).ok
        assert f"0.0.0.0:{port}" in running.log
        assert running.end() == 0
    gone = subprocess.run(["bash", "-c", health], capture_output=True, check=False, timeout=30)
    assert gone.returncode != 0
