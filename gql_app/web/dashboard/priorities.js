// Priorities, as people choose them.

export const PRIORITIES = { HIGH: 'High', NORMAL: 'Normal', LOW: 'Low' };
