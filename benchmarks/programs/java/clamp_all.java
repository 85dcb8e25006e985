import java.util.*;
import java.util.stream.*;

class Problem {
    public static ArrayList<Long> clamp_all(ArrayList<Long> xs, long low, long high) {
        ArrayList<Long> result = new ArrayList<>();
        for (long x : xs) {
            result.add(Math.max(low, Math.min(high, x)));
        }
        return result;
    }
}
