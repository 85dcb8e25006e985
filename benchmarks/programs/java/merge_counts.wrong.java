import java.util.*;
import java.util.stream.*;

class Problem {
    public static HashMap<String, Long> merge_counts(HashMap<String, Long> first, HashMap<String, Long> second) {
        HashMap<String, Long> merged = new HashMap<>(first);
        second.forEach((key, count) -> merged.merge(key, count, Long::sum));
        merged.values().removeIf(count -> count < 0);
        return merged;
    }
}
