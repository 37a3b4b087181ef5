package mediatest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
)

// setMatrix writes a rotation into the header of a file's first track, as cameras do.
func setMatrix(path string, degrees int, mirror bool) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	at := bytes.Index(data, []byte("tkhd"))
	if at < 0 {
		return errors.New("no tkhd")
	}
	at += 4 + 40 // version and flags, times, id, duration, layer, volume, and reserved bytes
	if data[at-40] == 1 {
		at += 12 // 64-bit times
	}
	const one = 1 << 16
	cos := map[int]int32{0: one, 180: -one}[degrees]
	sin := map[int]int32{90: one, 270: -one}[degrees]
	matrix := [9]int32{cos, sin, 0, -sin, cos, 0, 0, 0, 1 << 30}
	if mirror {
		matrix[0], matrix[1] = -cos, -sin
	}
	for i, v := range matrix {
		binary.BigEndian.PutUint32(data[at+4*i:], uint32(v))
	}
	return os.WriteFile(path, data, 0o600)
}
