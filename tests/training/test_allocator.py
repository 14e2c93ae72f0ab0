"""Memory that is freed and wanted again is not fetched from the system anew."""

import json
import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
import json, resource, torch
from bdgf.training import allocator

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        kept = [torch.ones(2**18) for _ in range(16)]  # 1 MiB each, all freed in the next round
        del kept
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

done = allocator.keep_freed_memory()
faults()
print(json.dumps([done, faults()]))
"""


def run(**environment: str) -> list:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator than glibc's")
def test_freed_memory_is_kept():
    done, faults = run()
    assert done
    assert faults < 256  # a page each; one round alone takes 4096 of them


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator than glibc's")
def test_the_users_own_settings_stand():
    done, faults = run(MALLOC_TRIM_THRESHOLD_="131072")
    assert not done
    assert faults > 4096
