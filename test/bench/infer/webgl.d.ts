/** Imported for what it registers only. */
declare module '@tensorflow/tfjs-backend-webgl'
