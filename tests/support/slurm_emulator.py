"""As much of Slurm as `sbatch` needs: jobs of an array run at once, on this machine, before it returns."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

_SBATCH = """#!{python}
import os, re, subprocess, sys
script = open(sys.argv[-1]).read()
first, last = map(int, re.search(r"^#SBATCH --array=(\\d+)-(\\d+)", script, re.M).groups())
exported = next((one for one in sys.argv if one.startswith("--export=")), "")
offset = dict(pair.split("=") for pair in exported.removeprefix("--export=ALL").strip(",").split(",") if pair)
with open({log!r}, "a") as log:
    log.write(script + "\\n--\\n")
jobs = []
for number in range(first, last + 1):
    own = dict(SLURM_ARRAY_TASK_ID=str(number), SLURM_JOB_ID="1", SLURM_NODELIST="localhost", SLURM_NODEID="0")
    jobs.append(subprocess.Popen(["bash", sys.argv[-1]], env=os.environ | own | offset, stdout=2))
for job in jobs:
    job.wait()
print("Submitted batch job 1")
"""
_SRUN = '#!/bin/bash\nwhile [[ $1 == -* ]]; do [[ $1 == -n ]] && shift; shift; done\nexec "$@"\n'
_SCONTROL = "#!/bin/bash\necho localhost\n"


def slurm_commands(folder: Path) -> Path:
    """Write sbatch, srun and scontrol into a folder, which has to come first in PATH.

    Returns:
        The file that the scripts of all jobs are added to.
    """
    folder.mkdir()
    log = folder / "scripts.log"
    texts = {"sbatch": _SBATCH.format(python=sys.executable, log=str(log)), "srun": _SRUN, "scontrol": _SCONTROL}
    for name, text in texts.items():
        path = folder / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return log
