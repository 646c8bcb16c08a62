// Mutate finds out what the tests do not notice. It changes one thing at a time in
// a package — a comparison turned round or moved by one, a condition forced, one
// side of an && or || left out, an early return passed over, a sum off by one, the
// other side of a min or max — and lists the changes under which the short tests
// still pass.
//
//	go run ./cmd/internal/mutate                          # the packages that decide about users' data
//	go run ./cmd/internal/mutate -sample 200 resolve      # 200 mutants of one package
//	go run ./cmd/internal/mutate resolve+scenarios/oracle # and by the tests of another package too
//	go run ./cmd/internal/mutate -only 'hlc.go' -v logical
//
// It is for people who look for missing tests; nothing runs it by itself.
//
//	sources ─▶ go/types ─▶ sites with their mutants ─▶ rewritten copies ─▶ go test -c -overlay
//	                                                                            │ one binary a suite
//	report ◀─ one run a mutant, tests that see it first ◀─ which tests see it ◀─┘
//
// All mutants of a package are compiled into one test binary, and an environment
// variable chooses one (mutant schemata; Untch, Offutt, Harrold 1993), so that a
// mutant costs one run and no compilation. Before that every test runs alone and
// records at which mutants a value would have been another one: no other test can
// notice the mutant, and a mutant that no test could notice survives without a run.
//
// A survivor is a missing test, or code that does nothing, or a change that makes
// no difference. The last are listed in equivalent.txt, each with its reason; the
// list names the function and the change, not the line.
package main
