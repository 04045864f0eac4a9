// A setup file: a worker that runs many files loads the helpers once, and what they ask for after each test would be done
// for the first of these files alone.
import { afterEach } from 'vitest';
import { tidyUp } from './cronrun.js';

afterEach(tidyUp);
