import java.util.*;
import java.util.stream.*;

class Problem {
    public static long gcd_all(ArrayList<Long> numbers) {
        long divisor = 0;
        for (long number : numbers) {
            divisor = gcd(divisor, number);
        }
        return divisor;
    }

    private static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
