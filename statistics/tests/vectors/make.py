#!/usr/bin/env python3
"""Makes the stored vectors beside this file: what independent packages say to the same data.

Run once, when a vector is added; the tests read what it wrote and need no Python. In a virtual
environment with what it was made with:

    pip install numpy==2.4.6 scipy==1.17.1 pandas==2.3.3 lifelines==0.30.3 statsmodels==0.15.0 arch==8.0.0
    python make.py

`runs.json` is data, not made here: 40 runs (seeds 0 to 39, level medium) of the built-in world
`systems` as it was in 2026, of a junior and of a senior: good requests, all requests, rounds from
onset to resolution of all incidents, and how many incidents there were.
"""

import json
import math
import pathlib
import warnings

import numpy as np
import statsmodels.api as sm
from arch.bootstrap import IIDBootstrap
from lifelines import AalenJohansenFitter, KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from scipy import stats
from statsmodels.duration.survfunc import CumIncidenceRight
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

HERE = pathlib.Path(__file__).parent
RESAMPLES = 100_000


def rounded(value):
    """All the digits of a double, and no numpy types."""
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [rounded(entry) for entry in value]
    if isinstance(value, (np.integer, bool, int)):
        return int(value)
    if isinstance(value, (np.floating, float)):
        return float(value)
    return value


def write(name, rows):
    """A list of rows, one on a line."""
    lines = ",\n".join("  " + json.dumps(rounded(row)) for row in rows)
    (HERE / name).write_text(f"[\n{lines}\n]\n")


def distributions():
    rows = []
    for freedom in (1, 2, 3.7, 4, 9, 19, 49, 199, 511, 1023, 123456):
        for t in (0.0, 1e-6, 0.1, 0.5, 1.0, 1.96, 2.5, 4.0, 10.0, 40.0, 1e4):
            p = 2 * stats.t.sf(t, freedom)
            if p > 1e-290:
                rows.append({"of": "student", "freedom": freedom, "t": t, "two_sided": p})
        for tail in (0.4, 0.1, 0.05, 0.025, 0.005, 0.001, 1e-6):
            rows.append({"of": "quantile", "freedom": freedom, "tail": tail, "t": stats.t.isf(tail, freedom)})
    for passed, runs in ((0, 5), (1, 5), (5, 5), (3, 20), (19, 20), (187, 200), (999_000, 1_000_000)):
        for alpha in (0.05, 0.01):
            low, high = proportion_confint(passed, runs, alpha, method="beta")
            rows.append({"of": "proportion", "passed": passed, "runs": runs, "alpha": alpha, "low": low, "high": high})
    write("distributions.json", rows)


def proportions():
    rows = [{"of": "normal", "tail": tail, "z": stats.norm.isf(tail)} for tail in (0.5, 0.4, 0.1, 0.025, 0.005, 1e-6, 1e-12)]
    for successes, trials in (
        (0, 1), (1, 1), (0, 5), (3, 5), (5, 5), (7, 8), (19, 20), (96, 100), (258, 260), (999_000, 1_000_000),
    ):
        for alpha in (0.05, 0.01):
            low, high = proportion_confint(successes, trials, alpha, method="wilson")
            rows.append({"of": "wilson", "successes": successes, "trials": trials, "alpha": alpha, "low": low, "high": high})
    write("proportions.json", rows)


def means(rng):
    """Pairs of samples that a mean is taken of, and the tests of their difference."""
    pairs = {
        "normal": (rng.normal(90, 5, 30), rng.normal(91, 5, 30)),
        "together": ((x := rng.gamma(2, 3, 50)), x + rng.normal(0.3, 0.5, 50)),
        "skewed": (100 - rng.exponential(4, 20), 100 - rng.exponential(6, 20)),
        "two": (np.array([1.0, 2.5]), np.array([2.0, 2.2])),
        "many": (rng.lognormal(0, 1, 500), rng.lognormal(0.05, 1, 500)),
        "shares": (rng.integers(0, 2, 60).astype(float), rng.integers(0, 2, 60).astype(float)),
    }
    rows = []
    for name, (one, other) in pairs.items():
        paired = stats.ttest_rel(one, other)
        student = paired.confidence_interval(0.95)
        welch = stats.ttest_ind(one, other, equal_var=False)
        apart = welch.confidence_interval(0.95)
        third = max(2, len(other) // 3)
        rows.append({
            "name": name, "one": one, "other": other,
            "difference": np.mean(one - other), "paired_p": paired.pvalue,
            "paired_student": [student.low, student.high],
            "standard_error": stats.sem(one),
            "welch_p": welch.pvalue, "welch": [apart.low, apart.high],
            "third": third, "third_p": stats.ttest_ind(one, other[:third], equal_var=False).pvalue,
        })
    write("means.json", rows)


def holm(rng):
    rows = []
    for size in (1, 2, 5, 12):
        p_values = rng.beta(0.4, 3, size)
        rows.append({"p": p_values, "adjusted": multipletests(p_values, method="holm")[1]})
    write("holm.json", rows)


def ratio(x, y):
    return x.sum() / y.sum()


def linearised(x, y):
    """The robust (HC1) standard error of the weighted mean of x / y with weights y: that of the ratio."""
    kept = y > 0
    fit = sm.WLS((x[kept] / y[kept]), np.ones(kept.sum()), weights=y[kept]).fit(cov_type="HC1", use_t=True)
    return fit.params[0], fit.bse[0]


def linearised_difference(x, y, u, v):
    """The same for a difference of two, with the seeds as clusters."""
    seeds = len(x)
    value, weight = np.concatenate([x, u]), np.concatenate([y, v])
    group = np.tile(np.arange(seeds), 2)
    arm = np.column_stack([np.ones(2 * seeds), np.repeat([1.0, 0.0], seeds)])
    kept = weight > 0
    fit = sm.WLS(value[kept] / weight[kept], arm[kept], weights=weight[kept]).fit(
        cov_type="cluster", cov_kwds={"groups": group[kept], "use_correction": False})
    error = fit.bse[1] * math.sqrt(seeds / (seeds - 1))
    return fit.params[1], error, 2 * stats.t.sf(abs(fit.params[1] / error), seeds - 1)


def bootstraps(rng):
    runs = {name: {key: np.array(column, float) for key, column in run.items()}
            for name, run in json.loads((HERE / "runs.json").read_text()).items()}
    junior, senior = runs["junior"], runs["senior"]
    ones = np.ones(40)
    skewed = 100 - rng.exponential(4, 25)
    singles = {
        "availability": (100 * senior["good"], senior["total"]),
        "time to resolution": (junior["rounds"], junior["incidents"]),
        "a mean": (skewed, np.ones(25)),
        "many seeds": (rng.gamma(1.5, 2, 300), 1.0 + rng.poisson(3, 300)),
    }
    rows = []
    for name, (x, y) in singles.items():
        estimate, error = linearised(x, y)
        centred = lambda r, a, b: (a - r * b) / b.mean()
        spread = lambda r, a, b: np.std(centred(r[0], a, b), ddof=1) / np.sqrt(len(a))
        studentised = IIDBootstrap(x, y, seed=np.random.default_rng(11)).conf_int(
            lambda a, b: np.array([ratio(a, b)]), RESAMPLES, method="studentized", std_err_func=spread)
        percentile = stats.bootstrap(
            (x, y), lambda a, b, axis=-1: a.sum(axis) / b.sum(axis), paired=True, vectorized=True,
            n_resamples=RESAMPLES, method="percentile", batch=5000, rng=np.random.default_rng(12))
        rows.append({
            "name": name, "x": x, "y": y, "estimate": estimate, "standard_error": error,
            "studentised": studentised[:, 0],
            "percentile": [percentile.confidence_interval.low, percentile.confidence_interval.high],
        })
    pairs = {
        "availability": (100 * senior["good"], senior["total"], 100 * junior["good"], junior["total"]),
        "time to resolution": (senior["rounds"], senior["incidents"], junior["rounds"], junior["incidents"]),
        "a mean": (senior["rounds"], ones, junior["rounds"], ones),
    }
    for name, (x, y, u, v) in pairs.items():
        estimate, error, p = linearised_difference(x, y, u, v)
        def spread(d, a, b, c, e):
            influence = (a - ratio(a, b) * b) / b.mean() - (c - ratio(c, e) * e) / e.mean()
            return np.std(influence, ddof=1) / np.sqrt(len(a))
        studentised = IIDBootstrap(x, y, u, v, seed=np.random.default_rng(13)).conf_int(
            lambda a, b, c, e: np.array([ratio(a, b) - ratio(c, e)]), RESAMPLES,
            method="studentized", std_err_func=spread)
        percentile = stats.bootstrap(
            (x, y, u, v),
            lambda a, b, c, e, axis=-1: a.sum(axis) / b.sum(axis) - c.sum(axis) / e.sum(axis),
            paired=True, vectorized=True, n_resamples=RESAMPLES, method="percentile", batch=5000,
            rng=np.random.default_rng(14))
        rows.append({
            "name": name + ", difference", "x": x, "y": y, "u": u, "v": v, "estimate": estimate,
            "standard_error": error, "p": p, "studentised": studentised[:, 0],
            "percentile": [percentile.confidence_interval.low, percentile.confidence_interval.high],
        })
    write("bootstraps.json", rows)


def times(rng):
    """Times to resolution: 0 is censored, 1 remedied, 2 expired."""
    sets = {
        "by hand": ([1, 2, 3, 4], [1, 0, 2, 0]),
        "no censoring": (rng.integers(0, 15, 25), rng.integers(1, 3, 25)),
        "much censoring": (rng.integers(0, 15, 40), rng.choice([0, 0, 0, 1, 2], 40)),
        "censored last": (list(rng.integers(0, 9, 20)) + [14, 14], list(rng.integers(0, 3, 20)) + [0, 0]),
        "all expire": (rng.integers(1, 6, 12), [2] * 12),
        "many": (rng.integers(0, 200, 300), rng.choice([0, 1, 1, 2], 300)),
        "no ties": (rng.permutation(np.arange(1, 31)), rng.integers(0, 3, 30)),
        "no ties, long": (rng.permutation(np.arange(1, 101)), rng.choice([0, 1, 1, 1, 2], 100)),
    }
    rows = []
    for name, (time, cause) in sets.items():
        time, cause = np.asarray(time), np.asarray(cause)
        horizon = time.max()
        survival = KaplanMeierFitter().fit(time, cause > 0)
        median = survival.median_survival_time_
        # lifelines moves ties apart at random; statsmodels takes them as they are.
        if len(set(time)) == len(time):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                incidence = AalenJohansenFitter(calculate_variance=False).fit(time, cause, event_of_interest=1)
            remedied = incidence.cumulative_density_.iloc[-1, 0]
        else:
            remedied = CumIncidenceRight(time, cause).cinc[0][-1] if (cause == 1).any() else 0.0
        rows.append({
            "name": name, "time": time, "cause": cause,
            "restricted_mean": restricted_mean_survival_time(survival, t=horizon),
            "median": None if math.isinf(median) else int(median),
            "remedied": remedied,
        })
    write("times.json", rows)


if __name__ == "__main__":
    distributions()
    proportions()
    means(np.random.default_rng(1))
    holm(np.random.default_rng(2))
    bootstraps(np.random.default_rng(3))
    times(np.random.default_rng(4))
