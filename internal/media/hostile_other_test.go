//go:build !linux

package media

const kilobyte = 1 // memory usage is reported in bytes
