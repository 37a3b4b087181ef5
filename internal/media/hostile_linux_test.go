package media

const kilobyte = 1 << 10 // Linux counts memory so
