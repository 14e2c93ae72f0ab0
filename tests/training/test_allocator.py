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


def run(script: str = SCRIPT, **environment: str) -> list:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", script],
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


RELEASED = """
import json, torch
from bdgf.training import allocator

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

allocator.keep_freed_memory()
kept = [torch.ones(2**18) for _ in range(128)]  # 128 MiB in the heap
last = torch.ones(2**18)  # lies above them, so that they are no top of the heap
del kept
before = resident()
allocator.release_freed_memory()
print(json.dumps([(before - resident()) * 4096 / 2**20]))
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator than glibc's")
def test_kept_memory_is_given_back_on_request():
    (mebibytes,) = run(RELEASED)
    assert mebibytes > 100
