"""How numbers are rounded and written: one table of cases, for the code of both languages."""

import json
from typing import Any

from support.folders import DATA

# By what is asked: what is given, and what must come.
CASES: dict[str, list[dict[str, Any]]] = json.loads((DATA / "rounding.json").read_text())

# A function in JavaScript of the cases and of what answers/numbers.js exports: what comes, in the order of the cases.
NAMES = "decimalsFor, decimalsOfSum, endOfScale, number, percent, percents, roundedSum, roundToTotal"
ANSWERS = (
    f"(cases, {{ {NAMES} }}) => ({{"
    """
    number: cases.number.map(({ value, decimals, sign }) => number(value, decimals, sign)),
    percent: cases.percent.map(({ share }) => percent(share)),
    percents: cases.percents.map(({ shares }) => percents(shares)),
    decimals: cases.decimals.map(({ value }) => decimalsFor(value)),
    decimals_of_sum: cases.decimals_of_sum.map(({ greatest, total }) => decimalsOfSum(greatest, total)),
    round_to_total: cases.round_to_total.map(({ values, total, decimals }) => roundToTotal(values, total, decimals)),
    rounded_sum: cases.rounded_sum.map((one) => {
        const { decimals, ...sum } = roundedSum(one.parts, one.rest, one.total, one.decimals, one.others);
        return sum;
    }),
    end_of_scale: cases.end_of_scale.map(({ limit, decimals, shown }) => {
        const end = endOfScale(limit, decimals, shown);
        return [end, number(end.value, end.decimals)];
    }),
})"""
)
# What must come, by the same names.
EXPECTED = {
    "number": [case["text"] for case in CASES["number"]],
    "percent": [case["text"] for case in CASES["percent"]],
    "percents": [case["texts"] for case in CASES["percents"]],
    "decimals": [case["decimals"] for case in CASES["decimals"]],
    "decimals_of_sum": [case["decimals"] for case in CASES["decimals_of_sum"]],
    "round_to_total": [case["rounded"] for case in CASES["round_to_total"]],
    "rounded_sum": [case["sum"] for case in CASES["rounded_sum"]],
    "end_of_scale": [[case["end"], case["text"]] for case in CASES["end_of_scale"]],
}
