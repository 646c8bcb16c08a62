// Package replicatest has what tests of many rooms share: a store for cores under test,
// waiting for something to become true, connections in memory, and stories, which are scripts in text files
// with golden output.
//
// [Store] is maps, laid out in the plainest way, and always up to date with the output
// that they belong to: the obvious version of package host over package storage. Nothing
// in it survives anything. A fake leader behind a real server is in replica/resp/resptest.
//
// Files: store.go, poll.go (Eventually), stories.go (Stories, Play), pipes.go (Pipes), sources.go.
package replicatest
