// Package hangup finds out whether the other end of a connection has closed it, without
// reading from it.
package hangup
