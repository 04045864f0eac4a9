/** Put in by the build, out of package.json. */
declare const CRONRUN_VERSION: string | undefined;

/** "0.1.0"; where nothing was built, as in unit tests, there is none. */
export const VERSION = typeof CRONRUN_VERSION === 'string' ? CRONRUN_VERSION : 'unbuilt';
