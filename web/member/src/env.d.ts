/// <reference types="vite/client" />
declare module '*.vue' {
  import type { DefineComponent } from 'vue'
  const component: DefineComponent<object, object, any>
  export default component
}
interface ImportMetaEnv {
  /** Where the mini program finds the service, such as https://member.example.com */
  readonly VITE_GUANXI_ORIGIN?: string
}
