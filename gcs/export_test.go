package gcs

// RaceEnabled says that the race detector is in this test, and it takes long.
const RaceEnabled = raceEnabled
