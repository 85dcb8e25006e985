<?php
// Loads candidate.php beside it, calls the entry point once per argument list in calls.php, prints typed results.
// The file job holds the mark and the entry point's name. As `driver.php warm` it forks first. The candidate runs at
// the top level of this file, for its globals. PHP's own functions, named with \ before them, cannot be redefined.

namespace Glotsmith;

final class Driver
{
    private const JSON = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_LINE_TERMINATORS;
    private const FATAL = E_ERROR | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR;
    private const GAP = '(?:\s|/\*.*?\*/|(?://|#(?!\[))(?:(?!\?>)[^\n])*+)*+';
    private static $out;
    private static string $mark;
    private static string $entry;
    private static array $calls;
    private static string $next = '';  // what an error that cannot be caught would end

    public static function open(): void
    {
        self::$out = \fopen('php://stdout', 'wb');  // a descriptor of its own, whatever becomes of STDOUT
        [self::$mark, self::$entry] = \explode("\n", \file_get_contents(__DIR__ . '/job'));
        self::$calls = require __DIR__ . '/calls.php';
        \ignore_user_abort(true);  // else printing to a closed STDOUT ends PHP
        \register_shutdown_function(self::report(...));
    }

    // The candidate's text as eval takes it, with a call at its beginning: PHP compiles a text as a whole before it
    // runs it. Declarations and a namespace have to stay first. A text without any tag is taken for code.
    public static function text(): string
    {
        $call = '\\' . self::class . '::start();';
        $text = \file_get_contents(__DIR__ . '/candidate.php');
        if (!\str_contains($text, '<?')) {
            $text = '<?php ' . $text;
        }
        $gap = self::GAP;
        $first = "(?:{$gap}declare\s*\([^()]*\)\s*;)*(?:{$gap}namespace\b[^;{]*[;{])?";
        if (!\preg_match("~\A(?:#![^\n]*\n)?\s*<\?php(?=\s)($first)~si", $text, $found)) {
            return "$call ?>$text";
        }
        return $found[1] . $call . \substr($text, \strlen($found[0]));
    }

    public static function start(): void
    {
        if (self::$next === '') {
            self::emit('start');
            self::$next = 'load';
        }
    }

    public static function fail(\Throwable $error): never
    {
        if (self::$next === '') {
            \fwrite(\STDERR, self::describe($error) . "\n");
        } else {
            self::emit('raised load ' . self::text_of(self::describe($error)));
        }
        self::leave(1);
    }

    public static function run(): never
    {
        $function = self::found();
        if ($function === null) {
            self::emit('absent');
            self::leave(1);
        }
        self::emit('loaded');
        foreach (self::$calls as $index => $arguments) {
            self::$next = "$index";
            try {
                $event = "value $index " . self::wire($function(...$arguments), 0);
            } catch (\Throwable $error) {
                $event = "raised $index " . self::text_of(self::describe($error));
            }
            self::emit($event);
        }
        self::emit('end');
        self::leave(0);
    }

    // The function may be in the candidate's namespace.
    private static function found(): ?string
    {
        if (\function_exists(self::$entry)) {
            return (new \ReflectionFunction(self::$entry))->isUserDefined() ? self::$entry : null;
        }
        foreach (\get_defined_functions()['user'] as $name) {
            if (\str_ends_with($name, '\\' . \strtolower(self::$entry))) {
                return $name;
            }
        }
        return null;
    }

    private static function leave(int $code): never
    {
        self::$next = '';
        exit($code);
    }

    // Some errors end PHP at once: a function that is declared twice, memory that is not there.
    private static function report(): void
    {
        $error = \error_get_last();
        if (self::$next !== '' && $error !== null && $error['type'] & self::FATAL) {
            self::emit('raised ' . self::$next . ' ' . self::text_of($error['message']));
        }
    }

    private static function describe(\Throwable $error): string
    {
        return $error::class . ': ' . $error->getMessage();
    }

    private static function emit(string $text): void
    {
        $line = "\n" . self::$mark . " $text\n";
        while ($line !== '') {
            $written = @\fwrite(self::$out, $line);
            if (!$written) {
                exit(1);
            }
            $line = \substr($line, $written);
        }
    }

    private static function text_of(string $text): string
    {
        $json = \json_encode($text, self::JSON);
        return $json === false ? '{"x":"bytes"}' : $json;
    }

    private static function float(float $number): string
    {
        if (\is_nan($number)) {
            return '{"f":"nan"}';
        }
        return '{"f":"' . (\is_infinite($number) ? ($number > 0 ? 'inf' : '-inf') : \sprintf('%.17h', $number)) . '"}';
    }

    private static function wire(mixed $value, int $depth): string
    {
        return match (true) {
            $depth > 100 => '{"x":"too deep"}',
            $value === null => 'null',
            \is_bool($value) => $value ? 'true' : 'false',
            \is_int($value) => "$value",
            \is_float($value) => self::float($value),
            \is_string($value) => self::text_of($value),
            \is_array($value) => self::items($value, $depth + 1),
            default => '{"x":' . self::text_of(\get_debug_type($value)) . '}',
        };
    }

    // A key that is a decimal is an int, whatever it was made from.
    private static function items(array $values, int $depth): string
    {
        $parts = [];
        if (\array_is_list($values)) {
            foreach ($values as $value) {
                $parts[] = self::wire($value, $depth);
            }
            return '[' . \implode(',', $parts) . ']';
        }
        foreach ($values as $key => $value) {
            $parts[] = '[' . self::text_of("$key") . ',' . self::wire($value, $depth) . ']';
        }
        return '{"m":[' . \implode(',', $parts) . ']}';
    }
}

if (\in_array('warm', \array_slice($argv, 1), true)) {
    \putenv('GLOTSMITH_FORK=1');
    \pcntl_fork();
    \putenv('GLOTSMITH_FORK');
    unset($_SERVER['GLOTSMITH_FORK_SERVER'], $_SERVER['LD_PRELOAD']);  // as of a program that starts cold
    $argv = $_SERVER['argv'] = [$argv[0]];
    $argc = $_SERVER['argc'] = 1;
}
Driver::open();
try {
    eval(Driver::text());
} catch (\Throwable $error) {
    Driver::fail($error);
}
Driver::run();
