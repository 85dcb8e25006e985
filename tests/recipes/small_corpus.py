"""Fourteen small Python functions and what a teacher says of each: wrong at first, then right in several ways.

Only ``gcd`` has a mutant that loops without end: such a mutant takes a third of a second in each run of the corpus.
"""

# ruff: noqa: E501

import ast
import doctest

SOURCE = '''
def clamp(x, low, high):
    """Limit x.

    >>> clamp(5, 1, 3)
    3
    >>> clamp(-1, 0, 3)
    0
    >>> clamp(2, 0, 3)
    2
    """
    if x < low:
        return low
    if x > high:
        return high
    return x


def total(xs):
    """Add up.

    >>> total([1, 2, 3])
    6
    >>> total([])
    0
    >>> total([-4, 1])
    -3
    """
    result = 0
    for x in xs:
        result += x
    return result


def largest(xs):
    """Return the largest number, 0 of none.

    >>> largest([3, 9, 2])
    9
    >>> largest([])
    0
    >>> largest([-5, -2])
    -2
    """
    if not xs:
        return 0
    best = xs[0]
    for x in xs:
        if x > best:
            best = x
    return best


def count_vowels(text):
    """Count the vowels.

    >>> count_vowels("education")
    5
    >>> count_vowels("xyz")
    0
    >>> count_vowels("aa")
    2
    """
    count = 0
    for c in text:
        if c in "aeiou":
            count += 1
    return count


def backwards(text):
    """Turn a text round.

    >>> backwards("abc")
    'cba'
    >>> backwards("")
    ''
    >>> backwards("xy")
    'yx'
    """
    result = ""
    for c in text:
        result = c + result
    return result


def factorial(n):
    """Multiply 1 to n.

    >>> factorial(0)
    1
    >>> factorial(5)
    120
    >>> factorial(3)
    6
    """
    result = 1
    for i in range(2, n + 1):
        result *= i
    return result


def fib(n):
    """Return the n-th Fibonacci number.

    >>> fib(0)
    0
    >>> fib(7)
    13
    >>> fib(10)
    55
    """
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def gcd(a, b):
    """Return the greatest common divisor.

    >>> gcd(12, 18)
    6
    >>> gcd(7, 0)
    7
    >>> gcd(9, 28)
    1
    """
    while b:
        a, b = b, a % b
    return a


def digits(n):
    """Add up the decimal digits of a natural number.

    >>> digits(0)
    0
    >>> digits(345)
    12
    >>> digits(99)
    18
    """
    n = abs(n)
    result = 0
    for _ in range(len(str(n))):
        result += n % 10
        n //= 10
    return result


def evens(xs):
    """Keep the even numbers.

    >>> evens([1, 2, 3, 4])
    [2, 4]
    >>> evens([])
    []
    >>> evens([6])
    [6]
    """
    result = []
    for x in xs:
        if x % 2 == 0:
            result.append(x)
    return result


def is_prime(n):
    """Tell whether n is a prime.

    >>> is_prime(7)
    True
    >>> is_prime(1)
    False
    >>> is_prime(91)
    False
    """
    if n < 2:
        return False
    for i in range(2, int(n**0.5) + 1):
        if n % i == 0:
            return False
    return True


def running(xs):
    """Return the running sums.

    >>> running([1, 2, 3])
    [1, 3, 6]
    >>> running([])
    []
    >>> running([5, -5])
    [5, 0]
    """
    result = []
    total = 0
    for x in xs:
        total += x
        result.append(total)
    return result


def hamming(a, b):
    """Count the places in which two texts differ, as far as both go.

    >>> hamming("abc", "abd")
    1
    >>> hamming("", "x")
    0
    >>> hamming("xy", "yx")
    2
    """
    count = 0
    for x, y in zip(a, b):
        if x != y:
            count += 1
    return count


def grade(score):
    """Name a score.

    >>> grade(95)
    'A'
    >>> grade(75)
    'B'
    >>> grade(10)
    'F'
    """
    if score >= 90:
        return "A"
    if score >= 60:
        return "B"
    return "F"
'''

LUA = {
    "clamp": [
        "local function clamp(x, low, high)\n  return low\nend",
        "local function clamp(x, low, high)\n  return math.max(low, math.min(x, high))\nend",
        "local function clamp(x, low, high)\n  if x < low then return low end\n  if x > high then return high end\n"
        "  return x\nend",
    ],
    "total": [
        "local function total(xs)\n  return #xs\nend",
        "local function total(xs)\n  local s = 0\n  for _, x in ipairs(xs) do s = s + x end\n  return s\nend",
        "local function total(xs, i)\n  i = i or 1\n  if i > #xs then return 0 end\n"
        "  return xs[i] + total(xs, i + 1)\nend",
    ],
    "largest": [
        "local function largest(xs)\n  return xs[1]\nend",
        "local function largest(xs)\n  if #xs == 0 then return 0 end\n  return math.max(table.unpack(xs))\nend",
        "function largest(xs)\n  local best = xs[1] or 0\n  for i = 2, #xs do\n    if best < xs[i] then best = xs[i] end\n"
        "  end\n  return best\nend",
    ],
    "count_vowels": [
        "local function count_vowels(text)\n  return #text\nend",
        'local function count_vowels(text)\n  return select(2, text:gsub("[aeiou]", ""))\nend',
        'function count_vowels(text)\n  local n = 0\n  for _ in text:gmatch("[aeiou]") do n = n + 1 end\n  return n\nend',
    ],
    "backwards": [
        "local function backwards(text)\n  return text\nend",
        "local function backwards(text)\n  local cs = {}\n  for _, c in utf8.codes(text) do\n"
        "    table.insert(cs, 1, utf8.char(c))\n  end\n  return table.concat(cs)\nend",
    ],
    "factorial": [
        "local function factorial(n)\n  return n\nend",
        "local function factorial(n)\n  local p = 1\n  for i = 2, n do p = p * i end\n  return p\nend",
        "function factorial(n)\n  if n < 2 then return 1 end\n  return n * factorial(n - 1)\nend",
    ],
    "fib": [
        "local function fib(n) return n end",
        "local function fib(n)\n  local a, b = 0, 1\n  for _ = 1, n do a, b = b, a + b end\n  return a\nend",
    ],
    "gcd": [
        "local function gcd(a, b) return while end",
        "local function gcd(a, b)\n  while b ~= 0 do a, b = b, a % b end\n  return a\nend",
        "function gcd(a, b)\n  if b == 0 then return a end\n  return gcd(b, a % b)\nend",
    ],
    "digits": [
        "local function digits(n)\n  error('no')\nend",
        "local function digits(n)\n  n = math.abs(n)\n  local s = 0\n  while n > 0 do\n    s = s + n % 10\n    n = n // 10\n"
        "  end\n  return s\nend",
    ],
    "evens": [
        "I would rather not.",
        "local function evens(xs)\n  local r = {}\n  for _, x in ipairs(xs) do\n    if x % 2 == 0 then r[#r + 1] = x end\n"
        "  end\n  return r\nend",
    ],
    "is_prime": [
        "local function is_prime(n)\n  return true\nend",
        "local function is_prime(n)\n  if n < 2 then return false end\n  for i = 2, math.floor(math.sqrt(n)) do\n"
        "    if n % i == 0 then return false end\n  end\n  return true\nend",
        "function is_prime(n)\n  local divisors = 0\n  for d = 1, n do\n    if n % d == 0 then divisors = divisors + 1 end\n"
        "  end\n  return divisors == 2\nend",
    ],
    "running": [
        "local function running(xs)\n  return xs\nend",
        "local function running(xs)\n  local r, t = {}, 0\n  for i, x in ipairs(xs) do\n    t = t + x\n    r[i] = t\n  end\n"
        "  return r\nend",
    ],
    "hamming": [
        "local function hamming(a, b)\n  return 1\nend",
        "local function hamming(a, b)\n  local x, y, n = {}, {}, 0\n  for _, c in utf8.codes(a) do x[#x + 1] = c end\n"
        "  for _, c in utf8.codes(b) do y[#y + 1] = c end\n  for i = 1, math.min(#x, #y) do\n"
        "    if x[i] ~= y[i] then n = n + 1 end\n  end\n  return n\nend",
    ],
    "grade": [
        "local function grade(score)\n  return 'A'\nend",
        "local function grade(score)\n  return score >= 90 and 'A' or score >= 60 and 'B' or 'F'\nend",
        "function grade(score)\n  if score >= 90 then return 'A' end\n  if score >= 60 then return 'B' end\n  return 'F'\nend",
    ],
}


def asserts(name: str, sample: int) -> str:
    """A suite for a function: its examples; the second leaves one out."""
    [node] = [n for n in ast.parse(SOURCE).body if isinstance(n, ast.FunctionDef) and n.name == name]
    examples = doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
    return "\n".join(f"assert {e.source.strip()} == {e.want.strip()}" for e in examples[sample % 2 :])
