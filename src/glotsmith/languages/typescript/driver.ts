@{candidate}
@{bindings}
const glotsmith_cases: (() => unknown)[] = [
@{cases}
];
