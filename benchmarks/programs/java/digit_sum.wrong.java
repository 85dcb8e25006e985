import java.util.*;
import java.util.stream.*;

class Problem {
    public static long digit_sum(long n) {
        n = Math.abs(n);
        if (n > 9) {
            long total = 0;
            for (; n > 0; n /= 10) {
                total += n % 10;
            }
            n = total;
        }
        return n;
    }
}
