"""Python functions of many shapes, with examples in their docstrings: what ``test_recipes_five.py`` has translated."""


def clamp_all(xs: list[int], low: int, high: int) -> list[int]:
    """Move every number into the interval from low to high.

    >>> clamp_all([1, 5, 9, -3], 2, 6)
    [2, 5, 6, 2]
    >>> clamp_all([], 0, 1)
    []
    >>> clamp_all([7], -1, 7)
    [7]
    """
    result = []
    for x in xs:
        if x < low:
            result.append(low)
        elif x > high:
            result.append(high)
        else:
            result.append(x)
    return result


def collatz_steps(n: int) -> int:
    """Count the steps of the Collatz sequence from n down to one.

    >>> collatz_steps(1)
    0
    >>> collatz_steps(6)
    8
    >>> collatz_steps(27)
    111
    """
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def gcd_all(numbers: list[int]) -> int:
    """Return the greatest common divisor of all numbers, which is never negative.

    >>> gcd_all([12, -18, 30])
    6
    >>> gcd_all([])
    0
    >>> gcd_all([-7])
    7
    >>> gcd_all([0, 5, 10])
    5
    """
    divisor = 0
    for number in numbers:
        a, b = divisor, abs(number)
        while b:
            a, b = b, a % b
        divisor = a
    return divisor


def is_palindrome(text: str) -> bool:
    """Tell whether the ASCII letters of a text read the same backwards, whatever their case.

    >>> is_palindrome("Never odd or even")
    True
    >>> is_palindrome("A nut for a jar of tuna!")
    True
    >>> is_palindrome("Abc")
    False
    >>> is_palindrome("")
    True
    """
    letters = [c.lower() for c in text if "a" <= c <= "z" or "A" <= c <= "Z"]
    i, j = 0, len(letters) - 1
    while i < j:
        if letters[i] != letters[j]:
            return False
        i, j = i + 1, j - 1
    return True


def run_lengths(text: str) -> list[tuple[str, int]]:
    r"""Encode a text as pairs of a character and how often it stands there in a row.

    >>> run_lengths("aaab")
    [('a', 3), ('b', 1)]
    >>> run_lengths("\u00e9\u00e9x\U0001f600")
    [('\xe9', 2), ('x', 1), ('\U0001f600', 1)]
    >>> run_lengths("")
    []
    >>> run_lengths("abba")
    [('a', 1), ('b', 2), ('a', 1)]
    """
    runs: list[tuple[str, int]] = []
    for c in text:
        if runs and runs[-1][0] == c:
            runs[-1] = (c, runs[-1][1] + 1)
        else:
            runs.append((c, 1))
    return runs


def count_words(text: str) -> dict[str, int]:
    r"""Count how often each word occurs in a text; words are what stands between spaces.

    >>> count_words("to be or not to be")
    {'to': 2, 'be': 2, 'or': 1, 'not': 1}
    >>> count_words("  na\u00efve   na\u00efve ")
    {'na\xefve': 2}
    >>> count_words("")
    {}
    """
    counts: dict[str, int] = {}
    for word in text.split(" "):
        if word:
            counts[word] = counts.get(word, 0) + 1
    return counts


def group_by_length(words: list[str]) -> dict[int, list[str]]:
    r"""Group words by their number of characters, in the order in which they come.

    >>> group_by_length(["a", "bc", "d", "\u4f60\u597d"])
    {1: ['a', 'd'], 2: ['bc', '\u4f60\u597d']}
    >>> group_by_length([])
    {}
    >>> group_by_length(["same", "size"])
    {4: ['same', 'size']}
    """
    groups: dict[int, list[str]] = {}
    for word in words:
        groups.setdefault(len(word), []).append(word)
    return groups


def flatten_rows(rows: list[list[int]], skip_negative: bool) -> list[int]:
    """Chain the rows into a single list, optionally without negative numbers.

    >>> flatten_rows([[1, -2], [], [3]], False)
    [1, -2, 3]
    >>> flatten_rows([[1, -2], [-4, 3]], True)
    [1, 3]
    >>> flatten_rows([], True)
    []
    """
    flat: list[int] = []
    for row in rows:
        for number in row:
            if number >= 0 or not skip_negative:
                flat.append(number)
    return flat


def transpose(matrix: list[list[int]]) -> list[list[int]]:
    """Turn rows into columns; as many as the shortest row has.

    >>> transpose([[1, 2, 3], [4, 5, 6]])
    [[1, 4], [2, 5], [3, 6]]
    >>> transpose([[1, 2], [3]])
    [[1, 3]]
    >>> transpose([])
    []
    """
    if not matrix:
        return []
    width = min(len(row) for row in matrix)
    return [[row[i] for row in matrix] for i in range(width)]


def mean_or_none(values: list[float]) -> float | None:
    """Return the arithmetic mean, or None for no values.

    >>> mean_or_none([1.0, 2.0, 4.5])
    2.5
    >>> mean_or_none([])
    >>> mean_or_none([-0.5])
    -0.5
    """
    if len(values) == 0:
        return None
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def safe_divide(a: float, b: float | None) -> float | None:
    """Divide a by b; the quotient by zero is None, and without a divisor it is a itself.

    >>> safe_divide(7.0, 2.0)
    3.5
    >>> safe_divide(1.5, 0.0)
    >>> safe_divide(-2.5, None)
    -2.5
    """
    if b is None:
        return a
    if b == 0:
        return None
    return a / b


def caesar(text: str, shift: int) -> str:
    r"""Move the ASCII letters of a text along the alphabet, around its end, and leave the rest alone.

    >>> caesar("abc XYZ", 3)
    'def ABC'
    >>> caesar("Hello, W\u00f6rld!", -5)
    'Czggj, R\xf6mgy!'
    >>> caesar("same", 26)
    'same'
    """
    moved = ""
    for c in text:
        if "a" <= c <= "z":
            moved += chr((ord(c) - 97 + shift) % 26 + 97)
        elif "A" <= c <= "Z":
            moved += chr((ord(c) - 65 + shift) % 26 + 65)
        else:
            moved += c
    return moved


def fibonacci_upto(limit: int) -> list[int]:
    """List the Fibonacci numbers from 0 that are not above the limit.

    >>> fibonacci_upto(10)
    [0, 1, 1, 2, 3, 5, 8]
    >>> fibonacci_upto(0)
    [0]
    >>> fibonacci_upto(-1)
    []
    >>> fibonacci_upto(21)
    [0, 1, 1, 2, 3, 5, 8, 13, 21]
    """
    numbers: list[int] = []
    a, b = 0, 1
    while a <= limit:
        numbers.append(a)
        a, b = b, a + b
    return numbers


def min_max(xs: list[int]) -> tuple[int, int] | None:
    """Return the smallest and the largest number, or None if there is none.

    >>> min_max([3, -1, 2])
    (-1, 3)
    >>> min_max([5])
    (5, 5)
    >>> min_max([])
    """
    if not xs:
        return None
    smallest = largest = xs[0]
    for x in xs[1:]:
        if x < smallest:
            smallest = x
        if x > largest:
            largest = x
    return (smallest, largest)


def digit_sum(n: int) -> int:
    """Add up the decimal digits of a number, again and again until a single digit is left.

    >>> digit_sum(9875)
    2
    >>> digit_sum(-38)
    2
    >>> digit_sum(0)
    0
    """
    n = abs(n)
    if n < 10:
        return n
    total = 0
    while n > 0:
        total += n % 10
        n //= 10
    return digit_sum(total)


def chunked(items: list[str], size: int) -> list[list[str]]:
    """Cut a list into pieces of a size; the last may be shorter. A size below one gives nothing.

    >>> chunked(["a", "b", "c", "d", "e"], 2)
    [['a', 'b'], ['c', 'd'], ['e']]
    >>> chunked(["a", "b"], 5)
    [['a', 'b']]
    >>> chunked(["a"], 0)
    []
    >>> chunked([], 3)
    []
    """
    pieces: list[list[str]] = []
    if size < 1:
        return pieces
    for start in range(0, len(items), size):
        pieces.append(items[start : start + size])
    return pieces


def merge_counts(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    """Add two tables of counts, without entries that come to zero.

    >>> merge_counts({"a": 1, "b": 2}, {"b": 3, "c": 4})
    {'a': 1, 'b': 5, 'c': 4}
    >>> merge_counts({"x": 2}, {"x": -2})
    {}
    >>> merge_counts({}, {"y": 1})
    {'y': 1}
    """
    merged = dict(first)
    for key, count in second.items():
        merged[key] = merged.get(key, 0) + count
    return {key: count for key, count in merged.items() if count != 0}


def format_duration(seconds: int) -> str:
    """Write a duration as hours, minutes and seconds; hours only where there are some.

    >>> format_duration(59)
    '0:59'
    >>> format_duration(3725)
    '1:02:05'
    >>> format_duration(-61)
    '-1:01'
    """
    sign = "-" if seconds < 0 else ""
    seconds = abs(seconds)
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    if hours:
        return f"{sign}{hours}:{minutes:02d}:{rest:02d}"
    return f"{sign}{minutes}:{rest:02d}"


def count_subsets(numbers: list[int], target: int) -> int:
    """Count the subsets of numbers, by place, whose sum is the target.

    >>> count_subsets([1, 2, 3], 3)
    2
    >>> count_subsets([], 0)
    1
    >>> count_subsets([5, -5, 5], 5)
    3
    """
    if not numbers:
        return 1 if target == 0 else 0
    rest = numbers[1:]
    return count_subsets(rest, target) + count_subsets(rest, target - numbers[0])


def to_binary(n: int) -> str:
    """Write a number in binary digits, with a minus sign where it is negative.

    >>> to_binary(10)
    '1010'
    >>> to_binary(-5)
    '-101'
    >>> to_binary(0)
    '0'
    """
    if n < 0:
        return "-" + to_binary(-n)
    if n < 2:
        return str(n)
    return to_binary(n // 2) + str(n % 2)


def horner(coefficients: list[float], x: float) -> float:
    """Evaluate a polynomial whose coefficients stand from the highest power down.

    >>> horner([2.0, -1.0, 0.5], 3.0)
    15.5
    >>> horner([], 1.5)
    0.0
    >>> horner([4.25], 100.0)
    4.25
    """
    value = 0.0
    for coefficient in coefficients:
        value = value * x + coefficient
    return value


def balanced(text: str) -> bool:
    """Tell whether round, square and curly brackets in a text are closed in the right order.

    >>> balanced("f(a[1], {b})")
    True
    >>> balanced("([)]")
    False
    >>> balanced("((")
    False
    >>> balanced("}")
    False
    """
    partner = {")": "(", "]": "[", "}": "{"}
    stack: list[str] = []
    for c in text:
        if c in "([{":
            stack.append(c)
        elif c in partner and (not stack or stack.pop() != partner[c]):
            return False
    return not stack


def swap_pairs(pairs: list[tuple[int, str]]) -> list[tuple[str, int]]:
    r"""Swap number and word in each pair, and leave out pairs whose number is negative.

    >>> swap_pairs([(1, "one"), (-2, "no"), (3, "\u4e09")])
    [('one', 1), ('\u4e09', 3)]
    >>> swap_pairs([])
    []
    >>> swap_pairs([(0, "")])
    [('', 0)]
    """
    swapped: list[tuple[str, int]] = []
    for number, word in pairs:
        if number < 0:
            continue
        swapped.append((word, number))
    return swapped


def rotate(words: list[str], k: int, left: bool) -> list[str]:
    """Rotate a list by k places to the right, or to the left.

    >>> rotate(["a", "b", "c", "d"], 1, False)
    ['d', 'a', 'b', 'c']
    >>> rotate(["a", "b", "c"], 4, True)
    ['b', 'c', 'a']
    >>> rotate(["a", "b", "c"], -1, False)
    ['b', 'c', 'a']
    >>> rotate([], 2, True)
    []
    """
    if not words:
        return []
    start = k % len(words) if left else -k % len(words)
    return words[start:] + words[:start]
