package media

const kilobyte = 1 << 10 // Linux reports memory usage in this unit
