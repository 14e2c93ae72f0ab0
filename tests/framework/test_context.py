"""Parameters of a session as they are configured."""

from types import SimpleNamespace

from bdgf.framework.context import ProjectContext


def test_parameters_are_those_of_the_loader_unchanged() -> None:
    loader = {"parameters": {"seed": 3}}
    context = ProjectContext(
        project_path=".",
        config_loader=loader,
        env=None,
        package_name="bdgf",
        hook_manager=SimpleNamespace(),
    )
    assert context.params == {"seed": 3}
