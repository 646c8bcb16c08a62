// Package spec is what is known of a command before anybody looks at its meaning: how it
// behaves, and which arguments are keys and channels.
package spec
