"""Python functions. Each language has right translations of them in ``languages/NAME/translations.toml``."""


def is_prime(n: int) -> bool:
    """Return whether a number is a prime.

    >>> is_prime(7)
    True
    >>> is_prime(9)
    False
    >>> is_prime(1)
    False
    """
    if n < 2:
        return False
    d = 2
    while d * d <= n:
        if n % d == 0:
            return False
        d += 1
    return True


def count_vowels(text: str) -> int:
    """Count the lower-case vowels of a text.

    >>> count_vowels("banana")
    3
    >>> count_vowels("")
    0
    >>> count_vowels("xyz out")
    2
    """
    count = 0
    for c in text:
        if c in "aeiou":
            count += 1
    return count


def longest_run(xs: list[int]) -> int:
    """Return the length of the longest run of equal numbers.

    >>> longest_run([1, 1, 2, 2, 2, 3])
    3
    >>> longest_run([])
    0
    >>> longest_run([4])
    1
    """
    longest = current = 0
    for i in range(len(xs)):
        if i > 0 and xs[i] == xs[i - 1]:
            current += 1
        else:
            current = 1
        if current > longest:
            longest = current
    return longest


def merge_sorted(a: list[int], b: list[int]) -> list[int]:
    """Merge two sorted lists into a sorted one.

    >>> merge_sorted([1, 3], [2, 4, 5])
    [1, 2, 3, 4, 5]
    >>> merge_sorted([], [1])
    [1]
    >>> merge_sorted([2], [])
    [2]
    """
    merged: list[int] = []
    i = j = 0
    while i < len(a) or j < len(b):
        if j >= len(b) or (i < len(a) and a[i] <= b[j]):
            merged.append(a[i])
            i += 1
        else:
            merged.append(b[j])
            j += 1
    return merged


def mean_step(xs: list[float]) -> float:
    """Return the mean distance of neighbours, and 0.0 for fewer than two numbers.

    >>> mean_step([1.0, 2.5, 2.0])
    1.0
    >>> mean_step([3.5])
    0.0
    >>> mean_step([0.5, -0.5])
    1.0
    """
    if len(xs) < 2:
        return 0.0
    total = 0.0
    for i in range(1, len(xs)):
        step = xs[i] - xs[i - 1]
        if step < 0:
            step = -step
        total += step
    return total / (len(xs) - 1)


def triangle(a: int, b: int, c: int) -> str:
    """Return the kind of the triangle with three sides.

    >>> triangle(3, 3, 3)
    'equilateral'
    >>> triangle(2, 3, 2)
    'isosceles'
    >>> triangle(3, 4, 5)
    'scalene'
    >>> triangle(1, 2, 3)
    'none'
    """
    if a <= 0 or b <= 0 or c <= 0:
        return "none"
    if a + b <= c or b + c <= a or a + c <= b:
        return "none"
    if a == b and b == c:
        return "equilateral"
    if a in (b, c) or b == c:
        return "isosceles"
    return "scalene"


def price(quantity: int, member: bool) -> int:
    """Return the price of some pieces at 12 each; 10 pieces or more, and members, pay less.

    >>> price(1, False)
    12
    >>> price(10, False)
    100
    >>> price(9, True)
    103
    >>> price(0, True)
    0
    """
    if quantity <= 0:
        return 0
    each = 12
    if quantity >= 10:
        each = 10
    total = quantity * each
    if member and total > 20:
        total -= 5
    return total
