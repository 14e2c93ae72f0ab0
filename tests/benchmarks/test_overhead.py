"""What the demo's run leaves for other measurements."""

from benchmarks import overhead


def test_the_latest_weights_are_found_with_a_seed_s_folder_and_without(tmp_path):
    models = tmp_path / overhead.DEMO / "data" / "06_models" / "demo"
    for entry in ("seed_0/denoiser", "preparation"):
        name = entry.split("/")[-1]
        for version in ("2026-01-01T00.00.00.000Z", "2026-01-02T00.00.00.000Z"):
            folder = models / f"{entry}.safetensors" / version
            folder.mkdir(parents=True)
            (folder / f"{name}.safetensors").touch()
        found = overhead.latest(tmp_path, name)
        assert found == models / f"{entry}.safetensors" / version / f"{name}.safetensors"
