package script_test

// ddia is the script that introduces the language: the history of figure 8-3
// in Designing Data-Intensive Applications. Its table ends in a row left out.
const ddia = `A later increment loses to the write it was based on.
-- scenario --
name     ddia-8-3
title    A later increment loses to the write it was based on
model    timing=partially-synchronous nodes=crash-stop
leaders  n1 n2 n3
clock    *  error=4ms
clock    n1 offset=+3ms
link     n1>n3 delay=500us
link     n1>n2 delay=5ms
link     n3>n2 delay=4ms
client   A at=n1
client   B at=n3 session
at 42.001s                     A set x 1   as w1
after w1 seen by n3 +1500us    B incr x    as w2
settle 1s
check converged
-- expect --
resolver  x    acked  accounted  lost  inverted  concurrent  siblings  session
lww       1    2      1          1     1         0           1         broken
lamport   2    2      2          0     0         0           1         kept
...
`

// everything uses every verb, option and check, and is written as Print
// writes.
