import java.util.*;
import java.util.stream.*;

class Problem {
    public static String format_duration(long seconds) {
        String sign = seconds < 0 ? "-" : "";
        seconds = Math.abs(seconds);
        long hours = seconds / 3600, minutes = seconds / 60 % 60, rest = seconds % 60;
        if (hours > 0) {
            return String.format("%s%d:%02d:%02d", sign, hours, minutes, rest);
        }
        return String.format("%s%d:%02d", sign, minutes, rest);
    }
}
