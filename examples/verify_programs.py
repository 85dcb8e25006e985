"""Verify programs in three languages.

Run it with: python examples/verify_programs.py
"""

import glotsmith as gs

TESTS = ("assert total([1, -2, 3]) == 4", "assert total([-1]) == 0")
PROGRAMS = {
    "python": "def total(numbers):\n    return sum(n for n in numbers if n > 0)\n",
    "lua": """
local function total(numbers)
  local sum = 0
  for _, n in ipairs(numbers) do if n > 0 then sum = sum + n end end
  return sum
end
""",
    "perl": "sub total { my ($numbers) = @_; my $sum = 0; $sum += $_ for @$numbers; return $sum; }\n",
}


def main() -> None:
    """Print the verdict on each program. The Perl program also adds negative numbers, so it fails."""
    jobs = [gs.Job(id=name, language=name, code=code, tests=TESTS) for name, code in PROGRAMS.items()]
    for verdict in gs.verify(jobs):
        failed = [case.actual for case in verdict.cases if case.status != "pass"]
        print(verdict.language, verdict.status, *failed)


if __name__ == "__main__":
    main()
