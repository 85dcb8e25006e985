# Loads candidate.pl beside it, calls the entry point once per argument list in calls.pl, prints typed results.
# The file job holds the mark and the entry point's name. As `driver.pl warm` it forks first. Perl binds its own
# functions when it compiles a text, so that nothing the candidate does to them reaches the driver.
package Glotsmith;
use v5.36;
use utf8;
no warnings;
use B ();

my ($folder) = $0 =~ m{^(.*)/} ? $1 : '.';
my ($out, $mark, $entry);
my $INTERRUPTED = 4;  # EINTR; the module Errno takes its time
my ($flags_of, $is_bool, $kind_of, $class_of) =
    (\&B::svref_2object, \&builtin::is_bool, \&builtin::reftype, \&builtin::blessed);
my ($TEXT, $INTEGER, $NUMBER) = (B::SVf_POK, B::SVf_IOK, B::SVf_NOK);

sub quote ($text) {
    $text =~ s/([\x00-\x1f"\\\x7f\x{d800}-\x{dfff}])/sprintf '\\u%04x', ord $1/ge;
    utf8::encode($text);
    return qq("$text");
}

sub float ($number) {
    return '{"f":"nan"}' if $number != $number;
    return $number > 0 ? '{"f":"inf"}' : '{"f":"-inf"}' if $number == $number * 2 && $number != 0;
    return sprintf '{"f":"%.17g"}', $number;
}

# A value knows how it was made: "5" is a text also after it was added to, and 5 a number after it was printed.
sub scalar_ ($value) {
    return 'null' if !defined $value;
    return $value ? 'true' : 'false' if $is_bool->($value);
    my $flags = $flags_of->(\$value)->FLAGS;
    return quote($value) if $flags & $TEXT;
    return "$value" if $flags & $INTEGER;
    return float($value) if $flags & $NUMBER;
    return '{"x":"glob"}';
}

sub object ($value, $class) {
    if ($class eq 'Math::BigInt') {
        my $digits = $value->bstr;
        return $digits if $digits =~ /\A-?[0-9]+\z/a;
    }
    return '{"x":' . quote($class) . '}';
}

sub wire ($value, $depth) {
    return '{"x":"too deep"}' if $depth > 100;
    return scalar_($value) if !ref $value;
    my $class = $class_of->($value);
    return object($value, $class) if defined $class;
    my $kind = $kind_of->($value);
    return '[' . join(',', map { wire($_, $depth + 1) } @$value) . ']' if $kind eq 'ARRAY';
    return '{"x":' . quote($kind) . '}' if $kind ne 'HASH';
    my @pairs = map { '[' . quote("$_") . ',' . wire($value->{$_}, $depth + 1) . ']' } keys %$value;
    return '{"m":[' . join(',', @pairs) . ']}';
}

# What the program printed itself goes first: setting $| flushes.
sub emit ($text) {
    my $selected = select STDOUT;
    local $| = 1;
    select $selected;
    my $line = "\n$mark $text\n";
    while (length $line) {
        my $written = syswrite $out, $line;
        return if !defined $written && $! != $INTERRUPTED;
        substr($line, 0, $written // 0, '');
    }
}

sub describe ($error) {
    my $text = eval { quote("$error") } // quote('an error without a text');
    return length $text > 10_000 ? quote('an error with a long text') : $text;
}

sub text_of ($name) {
    open my $file, '<:raw', "$folder/$name" or die "$name: $!";
    local $/;
    return scalar readline $file;
}

# Perl compiles a file as a whole before it runs it, so that a first statement tells that it compiled. The text is
# UTF-8, as strings are sequences of code points; `do` reads it through a hook, which leaves __DATA__ open.
sub load () {
    my $begin = "use utf8; Glotsmith::emit('start') if !\$Glotsmith::started++;\n#line 1 \"candidate.pl\"\n";
    my $hook = sub ($, $name) {
        return if $name ne 'candidate.pl';
        shift @INC;
        open my $file, '<:raw', "$folder/candidate.pl" or die $!;
        return \$begin, $file;
    };
    unshift @INC, $hook;
    package main { do 'candidate.pl' }
    return $@;
}

our $started = 0;

sub answer ($function, $index, $arguments) {
    my $text = eval { 'value ' . $index . ' ' . wire(scalar $function->(@$arguments), 0) };
    return $text // "raised $index " . describe($@);
}

sub main () {
    open $out, '>&', 1 or die $!;
    binmode $out;
    ($mark, $entry) = split /\n/, text_of('job');
    my $calls = do "$folder/calls.pl" or die $@ || $!;
    my $error = load();
    if (!$started) {
        print STDERR $error;
        exit 1;
    }
    if (ref $error || length $error) {
        emit('raised load ' . describe($error));
        exit 1;
    }
    my $function = do { no strict 'refs'; defined &{"main::$entry"} ? \&{"main::$entry"} : undef };
    if (!$function) {
        emit('absent');
        exit 1;
    }
    emit('loaded');
    for my $i (0 .. $#$calls) { emit(answer($function, $i, $calls->[$i])) }
    emit('end');
    exit 0;
}

if ("@ARGV" eq 'warm') {
    $ENV{GLOTSMITH_FORK} = 1;
    fork;
    delete @ENV{qw(GLOTSMITH_FORK GLOTSMITH_FORK_SERVER LD_PRELOAD)};  # as of a program that starts cold
}
@ARGV = (); # files that <> reads
main();
