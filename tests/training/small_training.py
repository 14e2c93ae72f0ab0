"""A training of a few parameters that can be made to fail."""

import math

import torch

from bdgf.training.checkpoint import TrainingState
from bdgf.training.devices import DeviceSettings, make_fabric
from bdgf.training.loop import run_steps
from bdgf.training.optimizer import ExponentialAverage, OptimizationSettings, make_optimizer

SETTINGS = OptimizationSettings(learning_rate=0.05, warmup_steps=3)


class KilledError(Exception):
    pass


class Regression:
    """Fits a line; its steps can be made to fail, to diverge or to stop."""

    def __init__(
        self,
        fail_at=None,
        bad_at=(),
        bad_term="loss_fit",
        in_parts=False,
        normalised=False,
        before_step=None,
    ):
        fabric = make_fabric(DeviceSettings(accelerator="cpu"))
        torch.manual_seed(0)
        norm = [torch.nn.BatchNorm1d(4)] if normalised else []
        model = torch.nn.Sequential(torch.nn.Linear(2, 4), *norm, torch.nn.Dropout(0.2))
        ema = ExponentialAverage(model, 0.9)
        model, optimizer = fabric.setup(model, make_optimizer(model, SETTINGS))
        generator = torch.Generator().manual_seed(1)
        self.state = TrainingState(model, optimizer, ema, {"steps": generator})
        self.fabric, self.fail_at = fabric, fail_at
        self.before_step = before_step or {}
        self.bad_at, self.bad_term, self.in_parts = bad_at, bad_term, in_parts

    def step(self, index):
        if index == self.fail_at:
            raise KilledError
        self.before_step.get(index, lambda: None)()
        x = torch.randn(8, 2, generator=self.state.generators["steps"])
        terms = {"loss_fit": (self.state.model(x) - x.sum(1, keepdim=True)).square().mean()}
        terms["loss_size"] = 1e-3 * self.state.model(x).square().mean()
        if index in self.bad_at and self.bad_term in terms:
            terms[self.bad_term] = terms[self.bad_term] * math.nan
        if index in self.bad_at and self.bad_term == "gradient":
            infinite = (self.state.model(x).mean() * 0).sqrt()  # finite, of infinite slope
            terms["loss_size"] = terms["loss_size"] + infinite
        seen = {"seen": torch.tensor(math.nan if index % 2 else float(index))}
        if self.in_parts:  # of one loss; the seen is not known before the last
            yield terms["loss_fit"], {"loss_fit": terms["loss_fit"], "seen": torch.tensor(math.nan)}
            yield terms["loss_size"], {"loss_size": terms["loss_size"], **seen}
        else:
            yield sum(terms.values()), terms | seen

    def run(self, steps=20, **chosen):
        run_steps(
            self.step,
            self.state,
            steps=steps,
            fabric=self.fabric,
            name="fit",
            description="fitting",
            **{"settings": SETTINGS, "log_every": 5, **chosen},
        )
        return self

    def moments(self):
        """A copy of all that the optimiser keeps of each parameter."""
        kept = self.state.optimizer.optimizer.state.values()
        return [tensor.clone() for of_one in kept for tensor in of_one.values()]


def weights(training):
    return [*training.state.model.state_dict().values(), *training.state.ema.tensors.values()]
