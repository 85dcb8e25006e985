function gcd_all(numbers) {
  let divisor = 0;
  for (const number of numbers) {
    let [a, b] = [divisor, Math.abs(number)];
    while (b) [a, b] = [b, a % b];
    divisor = a;
  }
  return divisor;
}
