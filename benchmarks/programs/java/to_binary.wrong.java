import java.util.*;
import java.util.stream.*;

class Problem {
    public static String to_binary(long n) {
        if (n < 0) {
            return to_binary(-n);
        }
        return n < 2 ? String.valueOf(n) : to_binary(n / 2) + n % 2;
    }
}
