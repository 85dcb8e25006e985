import java.util.*;
import java.util.stream.*;

class Problem {
    public static long collatz_steps(long n) {
        long steps = 1;
        while (n > 1) {
            n = n % 2 == 0 ? n / 2 : 3 * n + 1;
            steps++;
        }
        return steps;
    }
}
