//go:build !linux

package media

const kilobyte = 1 // the memory used is counted in bytes
