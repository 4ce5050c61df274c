export const greet = () => '关系 Guanxi'
