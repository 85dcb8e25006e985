function digit_sum(n) {
  n = Math.abs(n);
  while (n > 9) {
    let total = 0;
    for (; n > 0; n = Math.floor(n / 10)) total += n % 10;
    n = total;
  }
  return n;
}
