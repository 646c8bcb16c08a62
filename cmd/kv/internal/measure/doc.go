// Package measure is kv bench: how fast a leader is, and how long a write takes from one
// leader to another. replica/client/bench does the measuring.
package measure
