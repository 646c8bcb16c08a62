// Package replicatest has what tests of every room share: waiting for something to
// become true, and stories, which are scripts in text files with golden output.
//
// It knows nothing of ours, so that any test may use it. Fakes of a leader are in
// replica/resp/resptest.
package replicatest
